"""Reporting reads across every room and moves nothing."""
