;; Speaks a version of the contract that does not exist yet.
(component
  (instance $strategy)
  (export "samara:policy/strategy@2.0.0" (instance $strategy)))
