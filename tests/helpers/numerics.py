"""Numerics of the oracle, for real, complex and extended-precision arrays alike."""

import numpy as np


def solve(matrix, right):
    """Solution of matrix x = right; Gaussian elimination with partial pivoting where LAPACK lacks the precision."""
    if np.result_type(matrix, right) not in (np.longdouble, np.clongdouble):
        return np.linalg.solve(matrix, right)
    size = len(right)
    rows = np.concatenate([matrix, right.reshape(size, -1)], axis=1)
    for k in range(size):
        pivot = k + np.argmax(np.abs(rows[k:, k].real))
        rows[[k, pivot]] = rows[[pivot, k]]
        rows[k + 1 :, k:] -= np.outer(rows[k + 1 :, k] / rows[k, k], rows[k, k:])
    solution = np.zeros_like(rows[:, size:])
    for k in reversed(range(size)):
        solution[k] = (rows[k, size:] - rows[k, k + 1 : size] @ solution[k + 1 :]) / rows[k, k]
    return solution.reshape(right.shape)


def log_softmax(logits):
    """log softmax along the last axis, real or complex."""
    shifted = logits - np.max(logits.real, axis=-1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))


def softmax(logits):
    """softmax along the last axis, real or complex."""
    return np.exp(log_softmax(logits))


def entropy(policy):
    """-sum_a p log p along the last axis, with 0 log 0 = 0."""
    positive = policy != 0
    return -np.sum(np.where(positive, policy * np.log(np.where(positive, policy, 1)), 0), axis=-1)


def stationary_law(kernel):
    """Stationary distribution (n,) of an irreducible kernel (n, n), by subtraction-free (GTH) elimination."""
    kernel = np.array(kernel)
    size = len(kernel)
    for k in range(size - 1, 0, -1):
        kernel[:k, k] /= np.sum(kernel[k, :k])
        kernel[:k, :k] += np.outer(kernel[:k, k], kernel[k, :k])
    law = np.ones(size, kernel.dtype)
    for k in range(1, size):
        law[k] = law[:k] @ kernel[:k, k]
    return law / np.sum(law)


def central_difference(function, step, levels=3):
    """Derivative at 0 of a function of one real variable by Richardson-extrapolated central differences.

    Returns:
        The derivative, of error order step^(2 levels), and its difference from the order below (an error estimate).
    """
    rows = []
    for level in range(levels):
        h = step / 2**level
        row = [(function(h) - function(-h)) / (2 * h)]
        for order, coarser in enumerate(rows[-1] if rows else [], start=1):
            row.append(row[-1] + (row[-1] - coarser) / (4**order - 1))
        rows.append(row)
    return rows[-1][-1], np.max(np.abs(rows[-1][-1] - rows[-1][-2]))
