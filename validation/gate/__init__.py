"""The gate on convergence quality: what fits cost and reach, held against recorded values."""
