// Replaces operator new for this test program. In a file of its own, so that no caller sees through it and the compiler
// cannot leave a call out.
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {
thread_local size_t allocations = 0;
}  // namespace

size_t allocationCount();
size_t allocationCount() {
    return allocations;
}

void* operator new(size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size)) return memory;
    throw std::bad_alloc();
}
// Used by the library's temporary buffers, and freed by the same delete.
void* operator new(size_t size, const std::nothrow_t&) noexcept {
    ++allocations;
    return std::malloc(size);
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
    std::free(memory);
}
