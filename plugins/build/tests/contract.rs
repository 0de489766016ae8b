//! The contract against what describes it: the SDK's names of columns, and the reference page.

use std::fmt::Write;
use std::path::Path;

use samara_policy::Hook;
use samara_policy::testing::fields;
use samara_policy_build::WIT;
use wit_parser::{Docs, Function, Resolve, Type, TypeDef, TypeDefKind};

struct Contract {
    resolve: Resolve,
}

impl Contract {
    fn read() -> Contract {
        let mut resolve = Resolve::default();
        resolve.push_str("policy.wit", WIT).expect("the contract is valid WIT");
        Contract { resolve }
    }

    fn functions(&self) -> impl Iterator<Item = &Function> {
        let (_, strategy) = self.resolve.interfaces.iter().next().expect("one interface");
        strategy.functions.values()
    }

    fn function(&self, name: &str) -> &Function {
        self.functions().find(|function| function.name == name).expect("a hook of the contract")
    }

    fn record(&self, of: &Type) -> Option<(&TypeDef, &[wit_parser::Field])> {
        let Type::Id(id) = of else { return None };
        let definition = &self.resolve.types[*id];
        match &definition.kind {
            TypeDefKind::Record(record) => Some((definition, &record.fields)),
            _ => None,
        }
    }

    /// `me.now-us`, `peers.id`, ... of a hook's view.
    fn names(&self, hook: Hook) -> Vec<String> {
        let view = self.function(hook.name()).params[0].ty;
        let (_, parts) = self.record(&view).expect("a view is a record");
        let mut names = Vec::new();
        for part in parts {
            match self.record(&part.ty) {
                Some((_, fields)) => {
                    names
                        .extend(fields.iter().map(|field| format!("{}.{}", part.name, field.name)));
                }
                None => names.push(part.name.clone()),
            }
        }
        names
    }

    fn type_name(&self, of: &Type) -> String {
        match of {
            Type::U32 => "u32".to_owned(),
            Type::U64 => "u64".to_owned(),
            Type::String => "string".to_owned(),
            Type::Id(id) => {
                let definition = &self.resolve.types[*id];
                match &definition.kind {
                    TypeDefKind::List(element) => format!("list<{}>", self.type_name(element)),
                    _ => definition.name.clone().unwrap_or_default(),
                }
            }
            other => format!("{other:?}"),
        }
    }

    /// The page: hooks, then every record with every field.
    fn reference(&self) -> String {
        let mut page = String::from(HEAD);
        page.push_str("\n## Hooks\n\n| hook | sees | answers | |\n|---|---|---|---|\n");
        for function in self.functions() {
            let view = function.params.first().map(|param| self.linked(&param.ty));
            let answer = function.result.as_ref().map(|answer| self.linked(answer));
            let (view, answer) = (view.unwrap_or_default(), answer.unwrap_or_default());
            let text = one_line(&function.docs);
            let _ = writeln!(page, "| `{}` | {view} | {answer} | {text} |", function.name);
        }
        for (_, definition) in &self.resolve.types {
            let TypeDefKind::Record(record) = &definition.kind else { continue };
            let name = definition.name.as_deref().unwrap_or_default();
            let _ = writeln!(page, "\n## {name}\n\n{}\n", one_line(&definition.docs));
            page.push_str("| field | type | |\n|---|---|---|\n");
            let mut above = String::new();
            for field in &record.fields {
                // One comment over several fields is about all of them.
                let own = one_line(&field.docs);
                if !own.is_empty() {
                    above = own;
                }
                let kind = self.linked(&field.ty);
                let _ = writeln!(page, "| `{}` | {kind} | {above} |", field.name);
            }
        }
        page
    }

    fn linked(&self, of: &Type) -> String {
        let name = self.type_name(of);
        match self.record(of) {
            Some(_) => format!("[{name}](#{name})"),
            None => format!("`{name}`"),
        }
    }
}

const HEAD: &str = "# Reference: every hook and every column

Made from [plugins/wit/v1/policy.wit](../../plugins/wit/v1/policy.wit), whose words these are; a test compares them. In
Rust the names have underscores (`free_slots`), numbers that are 0 or 1 are `bool`, four quantiles are `Times`, and
answers are lists of decisions instead of flat columns; [plugins/sdk](../../plugins/sdk/src/lib.rs) documents them.

A column has one value per row of its table. Times ending in `-us` are microseconds, in `-ms` milliseconds; rates are
bytes per second. What a policy may use in a call is in [limits.md](limits.md).
";

fn one_line(docs: &Docs) -> String {
    let text = docs.contents.as_deref().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|").replace('<', "&lt;")
}

#[test]
fn the_sdk_names_every_column_as_the_contract_does() {
    let contract = Contract::read();
    for hook in Hook::ALL {
        let mut names = Vec::new();
        fields(&mut hook.empty_question(), &mut |name, _| names.push(name.to_owned()));
        assert_eq!(names, contract.names(hook), "{hook:?}");
    }
}

#[test]
fn the_reference_page_is_that_of_the_contract() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/policies/reference.md");
    let expected = Contract::read().reference();
    let actual = std::fs::read_to_string(&page).unwrap_or_default();
    if actual != expected {
        let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reference.md");
        std::fs::write(&made, expected).expect("a temporary file");
        panic!("docs/policies/reference.md differs from the contract: copy {}", made.display());
    }
}

#[test]
fn the_contract_has_not_changed_since_it_was_frozen() {
    // Changing the file breaks modules in the field: docs/policies/contract.md says what to do instead.
    let digest = WIT.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    assert_eq!(digest, FROZEN, "policy.wit of version 1 is now {digest:#x}");
}

/// FNV-1a of the file.
const FROZEN: u64 = 0x1d60_46d8_4b3f_976c;
