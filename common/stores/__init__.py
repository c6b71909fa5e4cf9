"""Inputs and outputs of stages in object stores."""
