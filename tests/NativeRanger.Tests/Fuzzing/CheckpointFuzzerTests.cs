using NativeRanger.Tests.Interop;

namespace NativeRanger.Tests.Fuzzing;

/// <summary>
/// No file harms a reader of checkpoints: only the documented exceptions, memory in proportion to the file, nothing changed by a
/// file that is refused. <c>build.sh --target=Fuzz</c> tries more of them.
/// </summary>
public sealed class CheckpointFuzzerTests
{
    private static string Corpus => Path.Combine(Headers.Root, "tests", "NativeRanger.Tests", "Fuzzing", "Corpus");

    [Fact]
    public void Every_file_that_was_ever_found()
    {
        var fuzzer = new CheckpointFuzzer(findings: null);
        var files = Directory.GetFiles(Corpus);
        Assert.NotEmpty(files);
        foreach (var file in files)
        {
            try
            {
                fuzzer.Replay(File.ReadAllBytes(file));
            }
            catch (FuzzerFindingException found)
            {
                Assert.Fail($"{Path.GetFileName(file)}: {found.Message}");
            }
        }
    }

    [Fact]
    public void Ten_thousand_changed_files()
    {
        var left = 10_000;
        var fuzzer = new CheckpointFuzzer(Path.Combine(Headers.Root, "artifacts", "fuzz", "checkpoints"));
        fuzzer.Run(seed: 1, () => left-- > 0);

        // Changes are small enough that some files stay sound, and large enough that most do not.
        Assert.InRange(fuzzer.WereRead, 1, fuzzer.Inputs / 2);
    }
}
