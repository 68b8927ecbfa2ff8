// The one door to Boost.Asio. Internal to common/net: include it in .cc files and internal headers
// only.
#pragma once

// GCC 12 with C++20: Asio uses std::exchange without including it.
#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace windrose {

namespace asio = boost::asio;
using AsioError = boost::system::error_code;
using Tcp = boost::asio::ip::tcp;

}  // namespace windrose
