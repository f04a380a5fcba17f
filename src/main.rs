//! The entry of the binary; everything else is in the library.

/// Gives back what a burst took, in seconds. With the system's allocator thousands of bodies, held and let go, left twice
/// their size behind, in pieces between what lives on.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    tidegate::platform::tune();
    tidegate::cli::main()
}
