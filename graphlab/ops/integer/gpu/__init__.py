"""Integer kernels on a GPU: the integers of the CPU's kernels, bit for bit.

Start with `dispatch.py`, which is what the functions of `graphlab.ops.integer` call for rows on a GPU. It takes the
Triton kernels, launched by `launch.py`, or where Triton is not installed the same by operations of torch, `plain.py`.
`requantised` in `rescale_kernels.py` is the rounding that ends every kernel; `product_kernel.py`, `sum_kernel.py` and
`softmax_kernel.py` have one kernel each. `layout.py` has weights as kernels read them, four or two to a byte where they
are packed, and `constants.py` brings scales and biases to the device once.
"""
