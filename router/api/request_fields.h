// The fields that both generation endpoints share, and the ones both refuse. Used by
// openai_request.cc. Pure functions; errors go into the JsonFields.
#pragma once

#include <initializer_list>
#include <string_view>

#include "router/api/json_fields.h"
#include "router/api/openai_request.h"

namespace windrose::router {

// model, sampling, n, stop, stream, …; not max_tokens, whose default and minimum differ.
GenerationOptions ReadGenerationOptions(JsonFields& fields, const RequestLimits& limits);

// Refuses what would change the meaning of any generation: grammars, templates, token filters, …
void RefuseUnsupportedFields(JsonFields& fields);

// Refuses each of `keys` whose value is neither absent, null, false, zero nor empty.
void RefuseUnlessEmpty(JsonFields& fields, std::initializer_list<std::string_view> keys);

}  // namespace windrose::router
