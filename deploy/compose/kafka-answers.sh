#!/bin/bash
# Whether the broker answers requests: the smallest one there is, ApiVersions in its first form (the key 18), and the
# answer must carry our correlation id. Kafka's own tools would start a Java machine for every look.
set -eu
exec 3<> "/dev/tcp/localhost/${1:-9092}"
printf '\0\0\0\x0f\0\x12\0\0\0\0\x07\x2a\0\x05probe' >&3
answer=$(timeout 3 head -c 8 <&3 | od -An -tx1 -j4 | tr -d ' \n')
[ "$answer" = 0000072a ]
