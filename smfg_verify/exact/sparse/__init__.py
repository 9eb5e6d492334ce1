"""Games of local moves at sizes where no table of n x n entries fits: sparse factorisations and Krylov methods."""
