/* x86-64 with AVX-512: 32 registers of 16 numbers. A tile of 8 rows has no waste where H is a multiple of 8; its 16 sums
   cover the latency of two multipliers, and it loads 10 times for 16 products. */

#define FORM avx512
#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")))
#define VECTOR 64
#define ROWS 8
#define CLIP(x, most) (VEC) clip_avx512((__m512)(x), most)
#define TURN turn_avx512
#define STREAM(to, value) stream_avx512(to, (__m512i)(value))
#define FLUSH flush_x86
#define RESTORE restore_x86

/* Between −most and most; this order of the operands keeps NaN. */
TARGET static inline __m512 clip_avx512(__m512 x, float most) {
    return _mm512_max_ps(_mm512_set1_ps(-most), _mm512_min_ps(_mm512_set1_ps(most), x));
}

TARGET static inline void stream_avx512(void *to, __m512i value) { _mm512_stream_si512((__m512i *)to, value); }

/* 16 rows of 16 numbers, transposed. */
TARGET static inline void turn_avx512(const float *from, int64_t stride, float *to, int64_t width) {
    __m512 a[16], b[16];
    for (int k = 0; k < 16; k++) a[k] = _mm512_loadu_ps(from + k * stride);
    for (int k = 0; k < 16; k += 2) { /* pairs of rows, then pairs of pairs: 4 × 4 blocks within each quarter */
        b[k] = _mm512_unpacklo_ps(a[k], a[k + 1]);
        b[k + 1] = _mm512_unpackhi_ps(a[k], a[k + 1]);
    }
    for (int k = 0; k < 16; k += 4) {
        a[k] = _mm512_shuffle_ps(b[k], b[k + 2], 0x44);
        a[k + 1] = _mm512_shuffle_ps(b[k], b[k + 2], 0xee);
        a[k + 2] = _mm512_shuffle_ps(b[k + 1], b[k + 3], 0x44);
        a[k + 3] = _mm512_shuffle_ps(b[k + 1], b[k + 3], 0xee);
    }
    for (int k = 0; k < 4; k++) { /* quarters: 0 and 2 of two rows, 1 and 3, and the same once more */
        b[k] = _mm512_shuffle_f32x4(a[k], a[k + 4], 0x88);
        b[k + 4] = _mm512_shuffle_f32x4(a[k], a[k + 4], 0xdd);
        b[k + 8] = _mm512_shuffle_f32x4(a[k + 8], a[k + 12], 0x88);
        b[k + 12] = _mm512_shuffle_f32x4(a[k + 8], a[k + 12], 0xdd);
    }
    for (int k = 0; k < 4; k++) {
        _mm512_storeu_ps(to + k * width, _mm512_shuffle_f32x4(b[k], b[k + 8], 0x88));
        _mm512_storeu_ps(to + (k + 4) * width, _mm512_shuffle_f32x4(b[k + 4], b[k + 12], 0x88));
        _mm512_storeu_ps(to + (k + 8) * width, _mm512_shuffle_f32x4(b[k], b[k + 8], 0xdd));
        _mm512_storeu_ps(to + (k + 12) * width, _mm512_shuffle_f32x4(b[k + 4], b[k + 12], 0xdd));
    }
}

#include "template.h"
