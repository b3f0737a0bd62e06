"""Run and compare experiments in age regression from face images with less bias, in the terminal."""

__version__ = "0.2.0"
