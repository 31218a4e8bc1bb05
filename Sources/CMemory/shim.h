// Settings of the memory allocator that Swift's Glibc module does not show.
#pragma once
#include <malloc.h>

// Memory for anything of at least so many bytes goes back to the system as soon as it is freed. Without this the limit
// grows with what was freed before, and memory of large uploads stays with the process.
static inline void usher_return_large_memory(int bytes) {
#ifdef M_MMAP_THRESHOLD
    mallopt(M_MMAP_THRESHOLD, bytes);
#endif
}
