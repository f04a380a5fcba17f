//! CONNECT heads are read alike whole and byte by byte.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate::fuzzing::connect(data));
