#include "cli/convert/tokenizer_check.h"

#include <string>

#include "common/model/checkpoint_layout.h"
#include "common/model/tokenizer_file.h"

namespace windrose::cli {

Status CheckTokenizer(const WeightSource& source) {
  ASSIGN_OR_RETURN(const std::string bytes, source.Tokenizer());
  const StatusOr<TokenizerFile> file = ParseTokenizerFile(bytes);
  if (!file.ok()) return Annotate(file.status(), kTokenizerFile);
  return Annotate(CheckVocabulary(*file, source.config().vocabulary), kTokenizerFile);
}

}  // namespace windrose::cli
