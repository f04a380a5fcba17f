//! Any chunking gives the findings of the whole text.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate::fuzzing::scan(data));
