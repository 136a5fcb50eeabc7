"""What a workspace holds, what stands out in it, and what each command would lack."""
