//! Which manifests, and how to read them.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use clap::builder::PossibleValuesParser;
use ingress_core::dialect::catalog;
use ingress_core::origin::ObjectId;

/// Manifests and how to read them.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Manifests")]
pub(crate) struct Input {
    /// A manifest, a directory of .yaml, .yml and .json files, or - for standard input; repeatable
    #[arg(short, long, value_name = "FILE|DIR|-", required = true)]
    pub(crate) filename: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// The same where manifests may stand elsewhere.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Manifests")]
pub(crate) struct OptionalInput {
    /// A manifest, a directory of .yaml, .yml and .json files, or - for standard input; repeatable
    #[arg(short, long, value_name = "FILE|DIR|-")]
    pub(crate) filename: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// How to read manifests.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Manifests")]
pub(crate) struct Reading {
    /// Whose reading of the manifests
    #[arg(long, value_name = "NAME", default_value = "kubernetes", value_parser = PossibleValuesParser::new(catalog::names()))]
    pub(crate) dialect: String,
    /// An option of the controller, by its own name; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = option)]
    pub(crate) option: Vec<(String, String)>,
    /// The ConfigMap with the controller's settings, when it is among the manifests
    #[arg(long, value_name = "NS/NAME", value_parser = object)]
    pub(crate) configmap: Option<ObjectId>,
    /// Take only the Ingresses of this class
    #[arg(long, value_name = "NAME")]
    pub(crate) class: Option<String>,
}

fn option(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    // Controllers write their own options with dashes before them.
    let name = name.trim_start_matches('-');
    if name.is_empty() {
        Err("the name is empty".to_owned())
    } else {
        Ok((name.to_owned(), value.to_owned()))
    }
}

pub(super) fn object(text: &str) -> Result<ObjectId, String> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
            Ok(ObjectId::new(namespace, name))
        }
        _ => Err("write it as NAMESPACE/NAME".to_owned()),
    }
}
