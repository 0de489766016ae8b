//! [`crate::export!`]: how a policy leaves its crate.

/// Exports the policy from this crate's WASM module: `samara_policy::export!(MyPolicy);`, once, anywhere in
/// the crate. The type must be [`crate::Policy`] and [`Default`]; each call makes a new value.
#[macro_export]
macro_rules! export {
    ($policy:ty) => {
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            const fn is_a_policy_with_a_default<P: $crate::Policy + ::core::default::Default>() {}
            is_a_policy_with_a_default::<$policy>()
        };
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code, reason = "what leaves a WASM module is unsafe by definition")]
        const _: () = {
            // Brings the panic handler.
            extern crate std as _;

            #[global_allocator]
            static MEMORY: $crate::guest::Memory = $crate::guest::Memory::new();

            #[unsafe(export_name = "cabi_realloc")]
            unsafe extern "C" fn realloc(
                old: *mut u8,
                size: usize,
                align: usize,
                new: usize,
            ) -> *mut u8 {
                unsafe { $crate::guest::realloc(old, size, align, new) }
            }

            #[unsafe(export_name = "samara:policy/strategy@1.0.0#describe")]
            extern "C" fn describe() -> *mut u8 {
                $crate::guest::describe::<$policy>()
            }

    $crate::export!(@hook $policy, neighbours, NeighboursView, NeighboursAnswer,
                "samara:policy/strategy@1.0.0#neighbours",
                "cabi_post_samara:policy/strategy@1.0.0#neighbours");
    $crate::export!(@hook $policy, offers, OffersView, OffersAnswer,
                "samara:policy/strategy@1.0.0#offers",
                "cabi_post_samara:policy/strategy@1.0.0#offers");
    $crate::export!(@hook $policy, requests, RequestsView, RequestsAnswer,
                        "samara:policy/strategy@1.0.0#requests",
                        "cabi_post_samara:policy/strategy@1.0.0#requests");
    $crate::export!(@hook $policy, overdue, OverdueView, OverdueAnswer,
                        "samara:policy/strategy@1.0.0#overdue",
                        "cabi_post_samara:policy/strategy@1.0.0#overdue");
        };
    };
    (@hook $policy:ty, $hook:ident, $view:ident, $answer:ident, $name:literal, $post:literal) => {
        const _: () = {
            #[unsafe(export_name = $name)]
            unsafe extern "C" fn ask(
                view: *mut $crate::guest::$view,
            ) -> *mut $crate::guest::$answer {
                let policy = <$policy as ::core::default::Default>::default();
                let view = unsafe { $crate::guest::take(view) };
                let answer = $crate::Policy::$hook(&policy, &view.into());
                $crate::guest::give(answer.into())
            }

            #[unsafe(export_name = $post)]
            unsafe extern "C" fn post(answer: *mut $crate::guest::$answer) {
                drop(unsafe { $crate::guest::take(answer) });
            }
        };
    };
}
