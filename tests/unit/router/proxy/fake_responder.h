// A responder that keeps what it was given. Thread-compatible.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/net/http_server.h"

namespace windrose::router {

class FakeResponder final : public HttpResponder {
 public:
  void Send(HttpResponse sent) override { response = std::move(sent); }
  void StartStream(int status, std::vector<HttpField> fields) override {
    stream_status = status;
    stream_fields = std::move(fields);
  }
  bool Write(std::string_view chunk) override {
    body += chunk;
    pending += stuck ? chunk.size() : 0;
    return true;
  }
  void Finish() override { finished = true; }
  void Break() override { broken = true; }
  size_t pending_bytes() const override { return pending; }
  void OnWritable(std::function<void()> callback) override { on_writable = std::move(callback); }
  void OnDisconnect(std::function<void()> callback) override {
    on_disconnect = std::move(callback);
  }

  bool done() const { return response.has_value() || finished || broken; }

  std::optional<HttpResponse> response;
  int stream_status = 0;
  std::vector<HttpField> stream_fields;
  std::string body;
  bool finished = false;
  bool broken = false;
  bool stuck = false;
  size_t pending = 0;
  std::function<void()> on_writable;
  std::function<void()> on_disconnect;
};

}  // namespace windrose::router
