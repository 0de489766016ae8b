;; Wants a clock. What a component imports is refused by name, whatever it is.
(component
  (import "wasi:clocks/monotonic-clock@0.2.6" (instance
    (export "now" (func (result u64)))))
  (instance $strategy)
  (export "samara:policy/strategy@1.0.0" (instance $strategy)))
