//! Packs are refused with reasons, or compile.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate::fuzzing::pack(data));
