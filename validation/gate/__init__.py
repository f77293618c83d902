"""The gate on convergence quality: costs and results of fits, compared with recorded values."""
