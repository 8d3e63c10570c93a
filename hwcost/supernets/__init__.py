"""Elastic supernets: the nets of a whole space in one set of weights, trained together and taken out one by one."""
