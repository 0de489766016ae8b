//! Whatever a module does ends as a fault of that one call, and the fault fires.

mod support;

use std::time::{Duration, Instant};

use samara_policy::Hook;
use samara_policy::testing::{random_question, scenario};
use samara_policy::{Answer, Question};
use samara_policy_host::{Brief, Fault, Host, Instance, Limits, LoadError, Malformed};
use support::misbehaving;

fn host() -> Host {
    Host::new(Limits::default()).expect("a host")
}

fn instance(name: &str, limits: Limits) -> Instance {
    let host = Host::new(limits).expect("a host");
    host.load(&misbehaving(name)).expect("it describes itself well").instance()
}

fn question(hook: Hook) -> Question {
    scenario(hook, 8, 100, 1)
}

/// The same fault of every hook, twice: the second time a fresh instance has been started.
fn check(name: &str, expected: impl Fn(&Fault) -> bool) {
    let mut instance = instance(name, Limits::default());
    for hook in Hook::ALL {
        for _ in 0..2 {
            let fault = instance.answer(&question(hook)).expect_err("it misbehaves");
            assert!(expected(&fault), "{name}, {hook:?}: {fault:?}");
            assert!(instance.called().fresh || hook == Hook::Neighbours);
        }
    }
}

#[test]
fn an_endless_loop_runs_out_of_fuel() {
    let limits = Limits { deadline: None, fuel: 1_000_000, ..Limits::default() };
    let mut instance = instance("endless-loop", limits);
    for hook in Hook::ALL {
        assert_eq!(instance.answer(&question(hook)), Err(Fault::Fuel(1_000_000)));
        assert_eq!(instance.called().fuel, 1_000_000);
    }
}

#[test]
fn an_endless_loop_with_plenty_of_fuel_meets_its_deadline() {
    let deadline = Duration::from_millis(5);
    let limits = Limits { deadline: Some(deadline), fuel: u64::MAX / 2, ..Limits::default() };
    let mut instance = instance("endless-loop", limits);
    for _ in 0..3 {
        let begun = Instant::now();
        let fault = instance.answer(&question(Hook::Offers));
        assert_eq!(fault, Err(Fault::Deadline(deadline)));
        assert!(begun.elapsed() >= deadline);
        // Generous: the ticker is a thread like any other, and the machine may be busy.
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
}

#[test]
fn a_brief_call_that_needs_more_is_no_fault_and_can_be_repeated_at_length() {
    let brief = Brief { fuel: 1_000_000, deadline: Duration::from_secs(60) };
    let limits = Limits { fuel: 3_000_000, ..Limits::default() };
    let mut looping = instance("endless-loop", limits);
    assert_eq!(looping.answer_briefly(&question(Hook::Offers), brief), Ok(None));
    assert_eq!(looping.called().fuel, brief.fuel);
    assert_eq!(looping.answer(&question(Hook::Offers)), Err(Fault::Fuel(limits.fuel)));
    assert_eq!(looping.called().fuel, limits.fuel);
    let brief = Brief { fuel: u64::MAX / 2, deadline: Duration::from_millis(5) };
    let mut looping = instance("endless-loop", Limits { fuel: u64::MAX / 2, ..Limits::default() });
    let begun = Instant::now();
    assert_eq!(looping.answer_briefly(&question(Hook::Offers), brief), Ok(None));
    assert!(begun.elapsed() >= brief.deadline);
    let mut trapping = instance("trap", Limits::default());
    let fault = trapping.answer_briefly(&question(Hook::Offers), brief);
    assert!(matches!(fault, Err(Fault::Trap(_))), "{fault:?}");
}

#[test]
fn a_module_that_was_quick_and_is_so_no_longer_is_stopped_like_any_other() {
    let brief = Brief { fuel: 1_000_000, deadline: Duration::from_secs(60) };
    let mut turning = instance("turns-slow", Limits::default());
    for _ in 0..20 {
        let answer = turning.answer_briefly(&question(Hook::Offers), brief);
        assert!(matches!(answer, Ok(Some(Answer::Offers(_)))), "{answer:?}");
    }
    assert_eq!(turning.answer_briefly(&question(Hook::Offers), brief), Ok(None));
    assert_eq!(turning.called().fuel, brief.fuel);
    assert!(turning.answer(&question(Hook::Offers)).is_ok(), "its memory was thrown away");
    assert!(turning.called().fresh);
}

#[test]
fn a_memory_bomb_is_refused_memory() {
    check("memory-bomb", |fault| *fault == Fault::Memory(16 << 20));
}

#[test]
fn a_policy_that_stops_by_itself_traps() {
    check("trap", |fault| matches!(fault, Fault::Trap(_)));
}

#[test]
fn unbounded_recursion_uses_up_the_stack_and_nothing_else() {
    check("stack-overflow", |fault| *fault == Fault::Stack(256 << 10));
}

#[test]
fn columns_that_do_not_fit_together_are_malformed() {
    let mut instance = instance("malformed", Limits::default());
    let mut ask = |hook| match instance.answer(&question(hook)) {
        Err(Fault::Malformed(malformed)) => malformed,
        other => panic!("{hook:?} gave {other:?}"),
    };
    let value = |column, value| Malformed::Value { column, row: 0, value };
    assert_eq!(ask(Hook::Offers), value("count", 9));
    let length = Malformed::Length { column: "chunk", has: 1, wanted: 2 };
    assert_eq!(ask(Hook::Requests), length);
    assert_eq!(ask(Hook::Overdue), value("action", 9));
    assert!(matches!(ask(Hook::Neighbours), Malformed::Unreadable(_)));
}

#[test]
fn huge_answers_are_not_copied() {
    let limits = Limits { memory_bytes: 32 << 20, ..Limits::default() };
    let mut instance = instance("huge-answer", limits);
    for hook in Hook::ALL {
        assert_eq!(instance.answer(&question(hook)), Err(Fault::TooBig(256 << 10)), "{hook:?}");
    }
}

#[test]
fn nonsense_in_the_right_form_is_left_to_the_engine() {
    let mut instance = instance("nonsense", Limits::default());
    let answer = instance.answer(&question(Hook::Requests)).expect("the form is right");
    let Answer::Requests(answer) = answer else { panic!("another hook answered") };
    assert_eq!(answer.requests.len(), 2);
    assert_eq!(answer.requests[0].peer, u32::MAX - 1);
    for hook in Hook::ALL {
        instance.answer(&question(hook)).expect("the form is right");
    }
}

#[test]
fn empty_answers_are_answers() {
    let mut instance = instance("always-empty", Limits::default());
    for seed in 0..50 {
        for hook in Hook::ALL {
            let answer = instance.answer(&random_question(hook, seed)).expect("an answer");
            assert!(samara_policy::testing::columns_of(&answer).iter().all(|one| one.1.is_empty()));
        }
    }
}

#[test]
fn kept_state_shows_between_calls_and_is_gone_in_a_fresh_instance() {
    let mut used = instance("keeps-state", Limits::default());
    let first = used.answer(&question(Hook::Offers)).expect("an answer");
    let second = used.answer(&question(Hook::Offers)).expect("an answer");
    assert_ne!(first, second);
    used.renew();
    assert_eq!(used.answer(&question(Hook::Offers)), Ok(first));
}

#[test]
fn what_imports_anything_is_refused_by_name() {
    let refused = host().load(&misbehaving("imports-wasi")).expect_err("it imports");
    assert_eq!(refused, LoadError::Imports(vec!["wasi:clocks/monotonic-clock@0.2.6".to_owned()]));
    assert!(refused.to_string().contains("monotonic-clock@0.2.6"));
}

#[test]
fn another_version_of_the_contract_is_refused_by_number() {
    let refused = host().load(&misbehaving("wrong-version")).expect_err("version 2");
    assert_eq!(refused.label(), "contract-version");
    assert!(refused.to_string().contains("strategy@2.0.0"), "{refused}");
    assert!(refused.to_string().contains("strategy@1.0.0"), "{refused}");
}

#[test]
fn what_lacks_the_interface_or_its_functions_is_refused() {
    let label = |name| host().load(&misbehaving(name)).expect_err("no policy").label();
    assert_eq!(label("no-export"), "missing-export");
    assert_eq!(label("wrong-types"), "wrong-types");
}

#[test]
fn a_truncated_file_is_refused_wherever_it_was_cut() {
    let (host, whole) = (host(), misbehaving("trap"));
    let mut still_loaded = 0;
    for length in 0..whole.len() {
        match host.load(&whole[..length]) {
            Err(refused) => {
                let expected = ["not-wasm", "damaged", "missing-export"];
                assert!(expected.contains(&refused.label()), "{refused}");
            }
            // Nothing is missing but a note of the tools at the end, which ends where a section ends.
            Ok(_) => still_loaded += 1,
        }
    }
    assert!(still_loaded <= 2, "{still_loaded} cuts");
    host.load(&whole).expect("the whole file");
}

#[test]
fn garbage_core_modules_and_native_code_are_refused_by_what_they_are() {
    let host = host();
    let label = |bytes: &[u8]| host.load(bytes).expect_err("no component").label();
    assert_eq!(label(b""), "not-wasm");
    assert_eq!(label(b"hello"), "not-wasm");
    assert_eq!(label(b"\0asm\x01\0\0\0"), "core-module");
    assert_eq!(label(b"\0asm\x0d\0\x01\0garbage"), "damaged");
    assert_eq!(label(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0"), "native-code");
    assert_eq!(label(&vec![0; (1 << 20) + 1]), "file-size");
}

#[test]
fn one_flipped_byte_never_harms_the_host() {
    let (host, whole) =
        (Host::new(Limits::for_simulation()).expect("a host"), misbehaving("nonsense"));
    for at in (0..whole.len()).step_by(5) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x11;
        if let Ok(module) = host.load(&bytes) {
            let _ = module.instance().answer(&question(Hook::Offers));
        }
    }
}

#[test]
fn a_policy_that_does_not_fit_into_its_limits_is_not_started() {
    let too_small = Limits { memory_bytes: 64 << 10, ..Limits::default() };
    let refused = Host::new(too_small).expect("a host").load(&misbehaving("trap"));
    assert_eq!(refused.expect_err("four pages").label(), "start-limits");
    let no_fuel = Limits { fuel: 0, ..Limits::default() };
    let refused = Host::new(no_fuel).expect("a host").load(&misbehaving("trap"));
    let refused = refused.expect_err("no fuel").label();
    assert!(["describe-fault", "start-limits"].contains(&refused), "{refused}");
}

#[test]
fn wrong_descriptions_are_refused_with_what_is_wrong() {
    let text = std::fs::read_to_string(support::root().join("policies/misbehaving/trap.wat"));
    let text = text.expect("a text");
    let load = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        let core = wat::parse_str(text.replace(from, to)).expect("valid text");
        let component = samara_policy_build::componentize(&core).expect("a component");
        host().load(&component).map(|_| ()).map_err(|error| error.to_string())
    };
    let refused = |from: &str, to: &str, why: &str| {
        let error = load(from, to).expect_err("a wrong description");
        assert!(error.contains(why), "{error}");
    };
    refused("(data (i32.const 320) \"trap\")", "(data (i32.const 320) \"Trap\")", "its name is");
    refused(r#""\0f\00\00\00" "\00\00\00\00""#, r#""\1f\00\00\00" "\00\00\00\00""#, "hooks are 31");
    refused(r#""\0f\00\00\00" "\00\00\00\00""#, r#""\0f\00\00\00" "\07\00\00\00""#, "order is 7");
    refused(
        "(data (i32.const 320) \"trap\")",
        "(data (i32.const 320) \"\\ff\\fe\\fd\\fc\")",
        "utf-8",
    );
    assert_eq!(load("(i32.const 320) \"trap\"", "(i32.const 320) \"path\""), Ok(()));
}
