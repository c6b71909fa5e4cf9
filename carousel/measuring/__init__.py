"""Measuring the fusion model beside methods that need no training."""
