"""How the system grows: the same work at sizes far apart, and what each unit costs at each of them."""
