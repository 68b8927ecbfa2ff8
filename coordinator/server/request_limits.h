// RequestLimits: how much one request may ask for. Each is a setting of the coordinator. A value.
#pragma once

#include <cstddef>
#include <cstdint>

namespace windrose {

struct RequestLimits {
  size_t prompt_bytes = size_t{1} << 20;  // text of the prompt, all messages together
  size_t messages = 10000;
  size_t logit_bias = 1024;  // entries
  uint32_t logprobs = 20;    // alternatives of a token
  size_t stop_strings = 4;
  size_t stop_bytes = 256;  // of one stop string
  size_t echo_logprobs = size_t{1}
                         << 17;  // values in an echoed prompt: tokens * (1 + alternatives)
  size_t request_id_bytes = 128;
};

}  // namespace windrose
