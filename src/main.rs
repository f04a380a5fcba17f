//! The entry of the binary; everything else is in the library.

/// Flows allocate small and short-lived; glibc's allocator costs a small request several per cent more.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    tidegate::platform::tune();
    tidegate::cli::main()
}
