// The metadata by which a coordinator says that it has a request. Constant.
//
// A coordinator sends this key, with any value, in the initial metadata of a Generate stream as
// soon as it has taken the call, before it makes tokens of the prompt. One that refuses at
// once sends no metadata, only its status. So a router can tell a coordinator that died with a
// request from one that never had it.
#pragma once

namespace windrose {

inline constexpr char kRequestTakenKey[] = "windrose-request-taken";

}  // namespace windrose
