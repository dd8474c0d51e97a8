#[derive(Debug, Default)]
pub struct Endpoints;
