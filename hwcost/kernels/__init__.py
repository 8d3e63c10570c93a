"""Device code and its Python faces, found in the top-level ``kernels`` folder and imported as ``hwcost.kernels.<name>``."""

from hwcost._resources import share

__path__.append(str(share("kernels")))
