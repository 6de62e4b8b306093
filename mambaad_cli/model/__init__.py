"""The network of MambaAD (arXiv 2404.06564), readable in one sitting.

    picture -> encoder (frozen CNN, 3 scales) -> fusion (half-FPN) -> decoder (LSS modules) -> scoring

Letters for shapes: B pictures, C channels, H W map, L = H*W pixels in raster order, E = expand*C inner
channels, K directions, N state size, R rank of the step sizes.
"""
