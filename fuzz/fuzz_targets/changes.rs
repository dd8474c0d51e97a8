//! A compiler that follows changes against one that starts from scratch.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ingress_fuzz::changes(data));
