//! The entry of the binary; everything else is in the library.

fn main() -> std::process::ExitCode {
    tidegate::platform::tune();
    tidegate::cli::main()
}
