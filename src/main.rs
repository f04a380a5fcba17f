//! The entry of the binary; everything else is in the library.

/// Gives back what a burst took. With the system's allocator bodies that were held and let go by the thousand left most of
/// it behind, in pieces between what lives on. Its buffers begin where a page does: what is shifted for the sake of caches takes
/// a page more, of buffers that are filled from a TLS record a quarter.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    tidegate::platform::tune();
    tidegate::cli::main()
}
