//! Host names against literal matching.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ingress_fuzz::host(data));
