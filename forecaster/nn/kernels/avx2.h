/* x86-64 with AVX2 and FMA: 16 registers of 8 numbers. A tile keeps 12 sums in registers. */

#include <immintrin.h>

#define FORM avx2
#define TARGET __attribute__((target("avx2,fma")))
#define VECTOR 32
#define ROWS 6
#define CLIP(x, most) (VEC) clip_avx2((__m256)(x), most)
#define TURN turn_avx2
#define STREAM(to, value) stream_avx2(to, (__m256i)(value))
#define FLUSH flush_x86
#define RESTORE restore_x86

static inline uint64_t flush_x86(void) {
    unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | 0x8040);
    return mode;
}

/* Also ends the writes past the caches, which are not ordered like others. */
static inline void restore_x86(uint64_t mode) {
    _mm_sfence();
    _mm_setcsr((unsigned)mode);
}

/* Between −most and most; this order of the operands keeps NaN. */
TARGET static inline __m256 clip_avx2(__m256 x, float most) {
    return _mm256_max_ps(_mm256_set1_ps(-most), _mm256_min_ps(_mm256_set1_ps(most), x));
}

TARGET static inline void stream_avx2(void *to, __m256i value) { _mm256_stream_si256((__m256i *)to, value); }

/* 8 rows of 8 numbers, transposed. */
TARGET static inline void turn_avx2(const float *from, int64_t stride, float *to, int64_t width) {
    __m256 a[8], b[8];
    for (int k = 0; k < 8; k++) a[k] = _mm256_loadu_ps(from + k * stride);
    for (int k = 0; k < 8; k += 2) { /* pairs of rows, then pairs of pairs, then halves */
        b[k] = _mm256_unpacklo_ps(a[k], a[k + 1]);
        b[k + 1] = _mm256_unpackhi_ps(a[k], a[k + 1]);
    }
    for (int k = 0; k < 8; k += 4) {
        a[k] = _mm256_shuffle_ps(b[k], b[k + 2], 0x44);
        a[k + 1] = _mm256_shuffle_ps(b[k], b[k + 2], 0xee);
        a[k + 2] = _mm256_shuffle_ps(b[k + 1], b[k + 3], 0x44);
        a[k + 3] = _mm256_shuffle_ps(b[k + 1], b[k + 3], 0xee);
    }
    for (int k = 0; k < 4; k++) {
        _mm256_storeu_ps(to + k * width, _mm256_permute2f128_ps(a[k], a[k + 4], 0x20));
        _mm256_storeu_ps(to + (k + 4) * width, _mm256_permute2f128_ps(a[k], a[k + 4], 0x31));
    }
}

#include "template.h"
