#include "cli/convert/conversion.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/convert/durable_files.h"
#include "cli/convert/file_conversion.h"
#include "common/base/thread_placement.h"
#include "common/base/thread_pool.h"
#include "common/model/checkpoint_layout.h"
#include "common/model/manifest.h"
#include "common/model/mapped_file.h"
#include "common/model/model_hash.h"

namespace windrose::cli {
namespace {

uint64_t BytesOf(const StoredFile& file) {
  uint64_t bytes = 0;
  for (const StoredTensor& tensor : file.tensors) {
    bytes += StoredBytes(tensor.spec.shape, tensor.format);
  }
  return bytes;
}

// Whether `written` is what `planned` would become.
bool Matches(const ManifestFile& written, const StoredFile& planned) {
  return written.name == planned.name &&
         std::equal(written.tensors.begin(), written.tensors.end(), planned.tensors.begin(),
                    planned.tensors.end(), [](const ManifestTensor& a, const StoredTensor& b) {
                      return a.name == b.spec.name && a.format == b.format &&
                             a.shape == b.spec.shape;
                    });
}

// Whether both begin alike: what is decided before the first file is written.
bool SameConversion(const Manifest& a, const Manifest& b) {
  return a.dtype == b.dtype && a.source == b.source && a.config_hash == b.config_hash &&
         a.tokenizer_hash == b.tokenizer_hash;
}

std::string ConfigTextOf(const WeightSource& source, DType dtype) {
  MixtralConfig config = source.config();
  if (!IsPacked(dtype)) config.dtype = dtype;
  return ToConfigJson(config);
}

// Empty when the source has none.
StatusOr<std::optional<std::string>> TokenizerOf(const WeightSource& source) {
  StatusOr<std::string> tokenizer = source.Tokenizer();
  if (tokenizer.status().code() == StatusCode::kNotFound) return std::optional<std::string>();
  if (!tokenizer.ok()) return tokenizer.status();
  return std::optional<std::string>(*std::move(tokenizer));
}

class Conversion {
 public:
  Conversion(const WeightSource& source, const ConversionOptions& options,
             const ConversionProgress& on_progress)
      : source_(source),
        options_(options),
        on_progress_(on_progress),
        plan_(StoredFiles(source.config(), options.dtype, [&source](const TensorSpec& tensor) {
          return source.FormatOf(tensor.name);
        })) {
    for (const StoredFile& file : plan_) total_bytes_ += BytesOf(file);
  }

  Status Run() {
    RETURN_IF_ERROR(Describe());
    RETURN_IF_ERROR(MakeDirectory());
    ASSIGN_OR_RETURN(const DirectoryLock lock, DirectoryLock::Take(directory()));
    ASSIGN_OR_RETURN(const bool complete, IsComplete());
    if (complete) return OkStatus();
    RETURN_IF_ERROR(Resume());
    RETURN_IF_ERROR(CheckSpace());
    RETURN_IF_ERROR(source_.Verify());  // or what is damaged would get hashes of its own
    RETURN_IF_ERROR(WriteFiles());
    return Commit();
  }

 private:
  const std::string& directory() const { return options_.destination; }
  std::string PathOf(const std::string& name) const { return directory() + "/" + name; }

  Status Describe() {
    ASSIGN_OR_RETURN(manifest_.source, source_.Identity());  // before anything is read
    config_text_ = ConfigTextOf(source_, options_.dtype);
    ASSIGN_OR_RETURN(tokenizer_, TokenizerOf(source_));
    manifest_.dtype = options_.dtype;
    manifest_.config_hash = HashOf(config_text_);
    if (tokenizer_) manifest_.tokenizer_hash = HashOf(*tokenizer_);
    return OkStatus();
  }

  Status MakeDirectory() const {
    std::error_code error;
    std::filesystem::create_directories(directory(), error);
    if (!error) return OkStatus();
    return Unavailable("cannot create " + directory() + ": " + error.message());
  }

  // The manifest `name` in the destination; nullopt when it is not there.
  StatusOr<std::optional<Manifest>> ReadManifest(const char* name) const {
    const StatusOr<std::string> text = ReadModelText(directory(), name, kMaxManifestBytes);
    if (text.status().code() == StatusCode::kNotFound) return std::optional<Manifest>();
    if (!text.ok()) return text.status();
    StatusOr<Manifest> manifest = ParseManifest(*text);
    if (!manifest.ok()) return Annotate(manifest.status(), PathOf(name));
    return std::optional<Manifest>(*std::move(manifest));
  }

  StatusOr<bool> IsComplete() const {
    ASSIGN_OR_RETURN(const std::optional<Manifest> manifest, ReadManifest(kManifestFile));
    if (!manifest) return false;
    if (SameConversion(*manifest, manifest_)) return true;
    return AlreadyExists(directory() + " already holds another checkpoint");
  }

  // Takes over the files that an earlier run has finished.
  Status Resume() {
    ASSIGN_OR_RETURN(std::optional<Manifest> begun, ReadManifest(kUnfinishedManifestFile));
    if (!begun) {
      RETURN_IF_ERROR(CheckUnused());
      return RecordProgress();
    }
    // What finished no file, as on a disk that is too small, keeps nobody from another format.
    if (begun->files.empty()) return RecordProgress();
    if (!SameConversion(*begun, manifest_)) {
      return FailedPrecondition(directory() +
                                " holds an unfinished conversion of another source or to another "
                                "number format; remove it first");
    }
    for (ManifestFile& file : begun->files) {
      if (IsUsable(file)) manifest_.files.push_back(std::move(file));
    }
    return OkStatus();
  }

  Status CheckUnused() const {
    for (const char* name : {"config.json", "model.safetensors", "model.safetensors.index.json",
                             "coordinator.safetensors"}) {
      std::error_code error;
      if (std::filesystem::exists(PathOf(name), error) || error) {
        return AlreadyExists(directory() + " already holds a model: " + name + " is there");
      }
    }
    return OkStatus();
  }

  bool IsUsable(const ManifestFile& file) const {
    std::error_code error;
    const uintmax_t bytes = std::filesystem::file_size(PathOf(file.name), error);
    return !error && bytes == file.bytes &&
           std::any_of(plan_.begin(), plan_.end(),
                       [&file](const StoredFile& planned) { return Matches(file, planned); });
  }

  bool IsWritten(const StoredFile& planned) const {
    return std::any_of(manifest_.files.begin(), manifest_.files.end(),
                       [&planned](const ManifestFile& file) { return file.name == planned.name; });
  }

  // Better now than after an hour.
  Status CheckSpace() const {
    uint64_t needed = 0;
    std::error_code error;
    for (const StoredFile& file : plan_) {
      std::filesystem::remove(PathOf(file.name + ".partial"), error);
      if (!IsWritten(file)) needed += BytesOf(file);
    }
    const std::filesystem::space_info space = std::filesystem::space(directory(), error);
    if (error || space.available >= needed) return OkStatus();
    return ResourceExhausted(directory() + ": wanted " + std::to_string(needed) +
                             " bytes for weights, the disk has " + std::to_string(space.available) +
                             " left");
  }

  Status WriteFiles() {
    for (const StoredFile& file : plan_) written_bytes_ += IsWritten(file) ? BytesOf(file) : 0;
    on_progress_(written_bytes_, total_bytes_);
    ThreadPool pool(ThreadCount(options_.threads));
    const std::function<void(uint64_t)> on_bytes = [this](uint64_t bytes) {
      written_bytes_ += bytes;
      on_progress_(written_bytes_, total_bytes_);
    };
    FileConversion conversion(source_, pool, on_bytes);
    for (const StoredFile& file : plan_) {
      if (IsWritten(file)) continue;
      const std::string partial = file.name + ".partial";
      ASSIGN_OR_RETURN(ManifestFile written, conversion.Write(file, PathOf(partial)));
      RETURN_IF_ERROR(CheckSourceIsTheSame());
      RETURN_IF_ERROR(Publish(directory(), partial, file.name));
      manifest_.files.push_back(std::move(written));
      RETURN_IF_ERROR(RecordProgress());
    }
    return OkStatus();
  }

  // Or what was written would be a mixture that nobody could tell from a model.
  Status CheckSourceIsTheSame() const {
    ASSIGN_OR_RETURN(const std::vector<std::string> identity, source_.Identity());
    if (identity == manifest_.source) return OkStatus();
    return FailedPrecondition("the source changed while it was converted; remove " + directory() +
                              " and begin anew");
  }

  Status RecordProgress() const {
    return WriteDurably(directory(), kUnfinishedManifestFile, ToManifestJson(manifest_));
  }

  Status Commit() const {
    RETURN_IF_ERROR(WriteDurably(directory(), kConfigFile, config_text_));
    if (tokenizer_) RETURN_IF_ERROR(WriteDurably(directory(), kTokenizerFile, *tokenizer_));
    // Not in the manifest: it is there to be warned of, and the model is whole without it.
    const StatusOr<ChatTemplateFile> chat = source_.ChatTemplate();
    if (chat.ok()) RETURN_IF_ERROR(WriteDurably(directory(), kChatTemplateFile, chat->text));
    return Publish(directory(), kUnfinishedManifestFile, kManifestFile);
  }

  const WeightSource& source_;
  const ConversionOptions& options_;
  const ConversionProgress& on_progress_;
  const std::vector<StoredFile> plan_;
  std::string config_text_;
  std::optional<std::string> tokenizer_;
  Manifest manifest_;  // of what is written
  uint64_t written_bytes_ = 0;
  uint64_t total_bytes_ = 0;
};

}  // namespace

Status Convert(const WeightSource& source, const ConversionOptions& options,
               const ConversionProgress& on_progress) {
  return Conversion(source, options, on_progress).Run();
}

}  // namespace windrose::cli
