"""In-process moto, made trustworthy: what it leaves out, or does otherwise than AWS, is put right while a `MotoCloud` is open."""
