"""What every process needs before it does anything: time, settings, logs, health, an orderly end."""
