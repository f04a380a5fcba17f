//! Bodies of every content coding, alone and stacked, end alike however cut.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate::fuzzing::decode(data));
