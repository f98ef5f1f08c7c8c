"""The training engine: a child process that reads a job folder and writes its results there; it knows no Django."""
