// Loops over rows of floats, in lanes, as a build for size vectorises nothing else.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace octet {

// Σ a[i] · b[i]
float dot(const float* a, const float* b, size_t count);

// to[i] += factor · a[i] · b[i]
void add_products(float* to, const float* a, const float* b, float factor, size_t count);

// The least of a[i] + factor · b[i] · c[i], or 0 when none is below.
float least_sum(const float* a, const float* b, const float* c, float factor, size_t count);

// The lower triangle of `matrix` [columns, columns], in full rows, += Σ x xᵀ over `rows` of
// `columns` values each; a few values right of the triangle change too.
void add_outer_products(std::span<const float> rows, size_t columns, float* matrix);

} // namespace octet
