//! Frames of WebSockets pass alike whole and in pieces.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate::fuzzing::frames(data));
