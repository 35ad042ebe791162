"""Bridges to optional packages: nothing outside this folder imports one."""
