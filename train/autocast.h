#pragma once
#include <ATen/autocast_mode.h>

#include "train/trainer.h"

namespace larimar::train {

/// While alive, matrix products run in bfloat16 on the device and everything else stays float32. Nothing for kFloat32.
class Autocast {
 public:
  Autocast(Precision precision, at::DeviceType device) : active_(precision == Precision::kBFloat16), device_(device) {
    if (!active_) return;
    at::autocast::set_autocast_enabled(device_, true);
    at::autocast::set_autocast_dtype(device_, at::kBFloat16);
    at::autocast::increment_nesting();
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;
  ~Autocast() {
    if (!active_) return;
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device_, false);
  }

 private:
  bool active_;
  at::DeviceType device_;
};

}  // namespace larimar::train
