#include "coordinator/text/chat_template.h"

#include <string_view>
#include <utility>

#include "common/base/utf8.h"

namespace windrose {
namespace {

constexpr std::string_view kBlankLine = "\n\n";

enum class Role { kSystem, kUser, kAssistant };

// Neighbouring messages of one role, merged.
struct Turn {
  Role role = Role::kUser;
  std::string content;
  size_t first_message = 0;
};

struct Conversation {
  std::string system;
  std::vector<Turn> turns;  // user and assistant only; begins with the user
};

std::string MessageName(size_t index) { return "messages[" + std::to_string(index) + "]"; }

StatusOr<Role> ParseRole(const ChatMessage& message, size_t index) {
  if (IsSystemRole(message.role)) return Role::kSystem;
  if (message.role == "user") return Role::kUser;
  if (message.role == "assistant") return Role::kAssistant;
  return InvalidArgument(MessageName(index) +
                         ".role: wanted system, developer, user or assistant; got '" +
                         Utf8Prefix(message.role, 32) + "'");
}

// Empty contents leave no blank line behind.
void AppendParagraph(const std::string& paragraph, std::string* text) {
  if (paragraph.empty()) return;
  if (!text->empty()) *text += kBlankLine;
  *text += paragraph;
}

StatusOr<Conversation> Normalise(std::span<const ChatMessage> messages) {
  Conversation conversation;
  // A system message in between separates two messages of the same role, though it leaves no turn.
  Role previous = Role::kSystem;
  for (size_t i = 0; i < messages.size(); ++i) {
    ASSIGN_OR_RETURN(const Role role, ParseRole(messages[i], i));
    if (role == Role::kSystem) {
      AppendParagraph(messages[i].content, &conversation.system);
    } else if (role == previous) {
      AppendParagraph(messages[i].content, &conversation.turns.back().content);
    } else {
      conversation.turns.push_back({role, messages[i].content, i});
    }
    previous = role;
  }
  std::vector<Turn>& turns = conversation.turns;
  if (turns.empty() || turns.front().role != Role::kUser) turns.insert(turns.begin(), Turn());
  return conversation;
}

Status CheckTurns(const Conversation& conversation, bool continue_final_message) {
  for (const Turn& turn : conversation.turns) {
    if (turn.role == Role::kAssistant && turn.content.empty()) {
      return InvalidArgument(MessageName(turn.first_message) +
                             ".content: wanted text of the assistant; it is empty");
    }
  }
  if (continue_final_message && conversation.turns.back().role != Role::kAssistant) {
    return InvalidArgument(
        "messages: wanted an assistant message at the end, to be continued; got another role");
  }
  return OkStatus();
}

Status AppendEncoded(const Tokenizer& tokenizer, std::string_view text, std::vector<TokenId>* ids) {
  ASSIGN_OR_RETURN(const std::vector<TokenId> encoded, tokenizer.Encode(text));
  ids->insert(ids->end(), encoded.begin(), encoded.end());
  return OkStatus();
}

std::string UserText(const std::string& system, const std::string& content) {
  std::string text = "[INST] ";
  if (!system.empty()) text.append(system).append(kBlankLine);
  return text.append(content).append(" [/INST]");
}

}  // namespace

bool IsSystemRole(std::string_view role) { return role == "system" || role == "developer"; }

StatusOr<std::vector<TokenId>> BuildChatPrompt(const Tokenizer& tokenizer,
                                               std::span<const ChatMessage> messages,
                                               bool continue_final_message) {
  if (messages.empty()) return InvalidArgument("messages: wanted at least one; got none");
  ASSIGN_OR_RETURN(Conversation conversation, Normalise(messages));
  RETURN_IF_ERROR(CheckTurns(conversation, continue_final_message));
  std::vector<TokenId> ids = {tokenizer.bos()};
  for (const Turn& turn : conversation.turns) {
    if (turn.role == Role::kUser) {
      // The system text is taken by the first user message, and is empty for the others.
      const std::string system = std::exchange(conversation.system, {});
      RETURN_IF_ERROR(AppendEncoded(tokenizer, UserText(system, turn.content), &ids));
      continue;
    }
    RETURN_IF_ERROR(AppendEncoded(tokenizer, turn.content, &ids));
    const bool is_last = &turn == &conversation.turns.back();
    if (!is_last || !continue_final_message) ids.push_back(tokenizer.eos());
  }
  return ids;
}

}  // namespace windrose
