// CoordinatorConfig: every setting of windrose-coordinator. Parsed once in main, then const.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "common/config/config_parser.h"
#include "common/process/process_settings.h"

namespace windrose {

struct CoordinatorConfig {
  std::string model;                       // directory of the checkpoint
  std::string model_id;                    // as clients name it; empty: the directory's name
  std::vector<std::string> model_aliases;  // further names
  std::string workers;                     // "host:port,…" or "dns:///name:port"
  std::string listen = "127.0.0.1:7200";   // for routers
  ProcessSettings process = {.admin_listen = "127.0.0.1:7201"};
  bool insecure_internal = false;  // clear text off loopback
  ComputeSettings compute;
  std::string row_type = "f32";      // of rows on the wire: f32 or bf16
  std::string bf16_order = "pairs";  // of products with packed bf16; or blocks, or auto

  uint32_t context_length = 0;           // tokens; 0: as long as the model and the cache allow
  uint64_t kv_cache_bytes = 2ULL << 30;  // keys and values of all sequences
  std::string kv_cache_type = "f32";     // of their numbers: f32, bf16 or q8
  uint32_t max_sequences = 64;           // running at once
  uint32_t max_waiting = 256;            // further requests
  uint32_t max_batch_rows = 512;         // of one step
  uint32_t prefill_chunk = 256;          // rows of one sequence in one step
  Duration expert_wait = Seconds(10);    // for an expert that nobody holds, inside a step
  Duration expert_grace = Seconds(2);    // new requests are refused when one is away for longer
  Duration worker_silence = Seconds(3);  // a worker that says nothing is down
  Duration worker_refresh = Seconds(5);  // a DNS name is resolved again
  Duration worker_deadline = Milliseconds(150);  // no call is given up sooner

  uint32_t max_open_calls = 1024;            // Generate streams
  uint64_t max_message_bytes = 16ULL << 20;  // of one RPC message
  uint64_t max_prompt_bytes = 1ULL << 20;    // text of one prompt
  uint32_t max_messages = 10000;             // of one chat
  uint32_t max_stop_strings = 4;
  uint32_t max_stop_bytes = 256;            // of one stop string
  uint32_t max_logit_bias = 1024;           // entries
  uint32_t max_logprobs = 20;               // alternatives of a token
  uint32_t max_echo_logprobs = 1U << 17;    // values of an echoed prompt
  Duration request_timeout = Seconds(600);  // of one Generate call
  Duration retry_after = Seconds(1);        // told to those who are turned away
  Duration drain_timeout = Seconds(30);     // to finish what was accepted
};

// Binds every field to its flag, and the checks across fields.
void AddCoordinatorSettings(ConfigParser& parser, CoordinatorConfig& config);

// The id that clients use: as configured, or the last part of the model's directory.
std::string ServedModelId(const CoordinatorConfig& config);

}  // namespace windrose
