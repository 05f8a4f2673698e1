using System.Security.Cryptography;

namespace NativeRanger.Tests.Fuzzing;

/// <summary>Gives changed files to the readers of checkpoints, and keeps those that they did not bear.</summary>
internal sealed class CheckpointFuzzer(string? findings)
{
    /// <summary>How many inputs have been tried.</summary>
    public int Inputs { get; private set; }

    /// <summary>How many of them were read; the others were refused.</summary>
    public int WereRead { get; private set; }

    /// <summary>Where inputs are kept that the readers did not bear.</summary>
    private string? Findings { get; } = findings;

    /// <summary>Tries inputs, the same for the same seed, while <paramref name="goOn"/> says so.</summary>
    /// <exception cref="FuzzerFindingException">An input was not borne; it has been kept.</exception>
    public void Run(int seed, Func<bool> goOn)
    {
        var mutator = new SafetensorsMutator(seed);
        var subjects = CheckpointSubject.All;
        for (var i = 0; goOn(); i++)
        {
            var subject = subjects[i % subjects.Count];
            Try(subject, mutator.Next(subject.Sound, subjects[(i + 1) % subjects.Count].Sound));
        }
    }

    /// <summary>Gives one input to every reader.</summary>
    public void Replay(byte[] input)
    {
        foreach (var subject in CheckpointSubject.All)
        {
            Try(subject, input);
        }
    }

    private void Try(CheckpointSubject subject, byte[] input)
    {
        try
        {
            WereRead += subject.Read(input) ? 1 : 0;
            Inputs++;
        }
        catch (FuzzerFindingException) when (Findings is not null)
        {
            Directory.CreateDirectory(Findings);
            var name = Convert.ToHexStringLower(SHA256.HashData(input).AsSpan(0, 8));
            File.WriteAllBytes(Path.Combine(Findings, name), input);
            throw;
        }
    }
}
