"""The application in a browser: a server on loopback, and a process with the application for every open page."""
